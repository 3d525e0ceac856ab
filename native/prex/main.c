/* prex: the stand-in, the command by hand, the keeper. See prex.h. */
#include "prex.h"
#include <string.h>
#include <unistd.h>

/* Takes every such variable out of the environment; the value of the last. */
static const char *take_variable(char **env, const char *name_and_equals) {
    const char *value = NULL;
    size_t length = strlen(name_and_equals);
    char **to = env;
    for (char **from = env; *from; from++) {
        if (strncmp(*from, name_and_equals, length) == 0)
            value = *from + length;
        else
            *to++ = *from;
    }
    *to = NULL;
    return value;
}

int main(int argc, char **argv) {
    const char *request = take_variable(environ, PANTS_STANDIN_VAR);
    if (request) stand_in(request, argv);
    if (argc > 1 && strcmp(argv[1], "--keep") == 0) keep(argv + 2);
    if (argc > 1 && strcmp(argv[1], "--hold") == 0) hold(argv + 2);
    by_hand(argc, argv);
}
