/* Where PANTS keeps its files, as src/io/paths.ts says for TypeScript. Header only, no allocation, no errno,
 * safe after vfork. The caller passes its environment, since the shim must look it up at the time of the
 * call.
 *
 * The shim defines PANTS_EXISTS(path) before including this, for the same reason as PANTS_PID_ALIVE in
 * slots.h. */
#ifndef PANTS_PATHS_H
#define PANTS_PATHS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifndef PANTS_EXISTS
#include <unistd.h>
#define PANTS_EXISTS(path) (access(path, F_OK) == 0)
#endif

/* Room for a path below the runtime directory; a longer one counts as missing. Shorter than sun_path, where
 * the sockets' addresses have to fit, is the users' business: connect says so. */
#define PANTS_RUNTIME_MAX 256

/* Text put together in a buffer of fixed size; `cut` says that it did not fit. Always NUL-terminated. */
struct pants_text {
    char *at, *end;
    bool cut;
};
static inline struct pants_text pants_text_in(char *buffer, size_t size) {
    struct pants_text text = {buffer, buffer + size - 1, false};
    *buffer = '\0';
    return text;
}
static inline void pants_text_put(struct pants_text *text, const char *string) {
    while (*string && text->at < text->end)
        *text->at++ = *string++;
    if (*string) text->cut = true;
    *text->at = '\0';
}
static inline void pants_text_number(struct pants_text *text, uint64_t value, unsigned base) {
    char digits[24], *at = digits + sizeof digits - 1;
    *at = '\0';
    do {
        *--at = "0123456789abcdef"[value % base];
        value /= base;
    } while (value);
    pants_text_put(text, at);
}

/* Value of a variable, or NULL. `env` may be NULL. */
static inline const char *pants_variable(char *const *env, const char *name) {
    for (; env && *env; env++) {
        const char *entry = *env, *wanted = name;
        while (*wanted && *entry == *wanted)
            entry++, wanted++;
        if (*wanted == '\0' && *entry == '=') return entry + 1;
    }
    return NULL;
}

/* The runtime directory followed by `tail` ("/state"). False when it does not fit in `size`. */
static inline bool pants_runtime_path(char *const *env, uint32_t uid, const char *tail, char *out,
                                      size_t size) {
    struct pants_text text = pants_text_in(out, size);
    const char *given = pants_variable(env, "PANTS_RUNTIME_DIR");
    const char *session = pants_variable(env, "XDG_RUNTIME_DIR");
    if (given && *given)
        pants_text_put(&text, given);
    else if (uid == 0 || PANTS_EXISTS("/run/pants/state"))
        pants_text_put(&text, "/run/pants");
    else {
        if (session)
            pants_text_put(&text, session);
        else {
            pants_text_put(&text, "/run/user/");
            pants_text_number(&text, uid, 10);
        }
        pants_text_put(&text, "/pants");
    }
    pants_text_put(&text, tail);
    return !text.cut;
}

/* The private directory of a user, followed by `tail` ("/prexd.sock"). */
static inline bool pants_user_path(char *const *env, uint32_t uid, const char *tail, char *out, size_t size) {
    char below[64];
    struct pants_text text = pants_text_in(below, sizeof below);
    pants_text_put(&text, "/users/");
    pants_text_number(&text, uid, 10);
    pants_text_put(&text, tail);
    return !text.cut && pants_runtime_path(env, uid, below, out, size);
}
#endif
