/* Says what was decided about a marked program: to the ring that `pants why` shows, and with PANTS_DEBUG=1 to
 * stderr in one line, `prex: <program>: <here|standing in>: <reason>`. */
#include "shim.h"

static void say(const struct ask *ask, bool stand_in, enum pants_reason reason, const char *detail) {
    char line[512];
    /* Room is kept for the end of the line, however long the path is. */
    struct pants_text text = pants_text_in(line, sizeof line - 160);
    pants_text_put(&text, "prex: ");
    pants_text_put(&text, ask->path);
    text.end = line + sizeof line - 2;
    pants_text_put(&text, stand_in ? ": standing in: " : ": here: ");
    pants_text_put(&text, report_words(reason));
    if (detail) {
        pants_text_put(&text, ": ");
        pants_text_put(&text, detail);
    }
    *text.at++ = '\n';
    sys_call(SYS_write, 2, (long)line, text.at - line, 0, 0, 0);
}

void report(struct pants_table *table, const struct ask *ask, const struct verdict *verdict,
            enum pants_reason reason, const char *detail, const struct pants_state *state, uint64_t now_ns) {
    const char *debug = pants_variable(environ, "PANTS_DEBUG");
    if (debug && *debug == '1') say(ask, verdict->stand_in, reason, detail);
    /* How a job that stands in ends is recorded where it is known. */
    if (!table || verdict->stand_in) return;
    struct pants_why why = {.time_ns = now_ns,
                            .pid = (int32_t)verdict->self,
                            .uid = sys_uid(),
                            .where = PANTS_WHERE_HERE,
                            .reason = (uint8_t)reason,
                            .index = state->index,
                            .status = -1};
    pants_copy_tail(why.program, sizeof why.program, ask->path);
    if (detail) pants_copy_tail(why.detail, sizeof why.detail, detail);
    pants_why_append(table, &why);
}
