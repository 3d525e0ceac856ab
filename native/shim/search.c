/* libc's PATH search, walked ahead of libc to see where it would stop. PATH is the caller's, never envp's; an
 * empty element is the working directory; what cannot be executed is passed over. Anything unusual (no PATH,
 * an element longer than a path can be) is left to libc. */
#include "shim.h"

bool search_marked(const char *file, char found[PATH_ROOM], uint32_t *flags, const char **unfit) {
    const char *path = pants_variable(environ, "PATH");
    if (!path || !*file) return false;
    for (const char *element = path;; element++) {
        struct pants_text text = pants_text_in(found, PATH_ROOM);
        while (*element && *element != ':' && text.at < text.end)
            *text.at++ = *element++;
        if (text.at == text.end) return false;
        if (text.at > found) *text.at++ = '/';
        pants_text_put(&text, file);
        if (text.cut) return false;
        enum sight sight = look_at(found, true, flags, unfit);
        if (sight != SIGHT_ABSENT) return sight == SIGHT_MARKED;
        if (!*element) return false;
    }
}
