/* execl and its kin: the arguments are counted first and then copied onto the stack, each pass with a va_list
 * of its own, since one cannot be walked twice. */
#include <stdarg.h>
#include "shim.h"

/* Named by their symbols, because libc's declarations let the compiler assume that `first` is not NULL. */
EXPORT int list_exec(const char *path, const char *first, ...) __asm__("execl");
EXPORT int list_search(const char *file, const char *first, ...) __asm__("execlp");
EXPORT int list_env(const char *path, const char *first, ...) __asm__("execle");

#define COUNT(list, first, n)                                                                                \
    va_start(list, first);                                                                                   \
    for (n = first ? 1 : 0; n && va_arg(list, char *); n++)                                                  \
        continue;                                                                                            \
    va_end(list)

#define COPY(list, first, argv, n)                                                                           \
    va_start(list, first);                                                                                   \
    argv[0] = (char *)first;                                                                                 \
    for (size_t i = 1; i <= n; i++)                                                                          \
    argv[i] = va_arg(list, char *)

int list_exec(const char *path, const char *first, ...) {
    va_list list;
    size_t n;
    COUNT(list, first, n);
    char *argv[n + 1];
    COPY(list, first, argv, n);
    va_end(list);
    return funnel_path(path, argv, environ);
}

int list_search(const char *file, const char *first, ...) {
    va_list list;
    size_t n;
    COUNT(list, first, n);
    char *argv[n + 1];
    COPY(list, first, argv, n);
    va_end(list);
    return funnel_search(file, argv, environ);
}

/* The environment follows the arguments' NULL. */
int list_env(const char *path, const char *first, ...) {
    va_list list;
    size_t n;
    COUNT(list, first, n);
    char *argv[n + 1];
    COPY(list, first, argv, n);
    char *const *envp = va_arg(list, char *const *);
    va_end(list);
    return funnel_path(path, argv, envp);
}
