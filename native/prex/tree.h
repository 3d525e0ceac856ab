/* Descendants of this process, from /proc. */
#ifndef PREX_TREE_H
#define PREX_TREE_H
/* SIGKILL to each that is found now. */
void kill_descendants(void);
#endif
