// The addon: src/io/native.ts is its contract and its only user. One Addon per JavaScript environment; it
// lives until the event loop has let go of the reactor.
#include "binding.h"

#include <csignal>

namespace {

// Node does so too, but our callers rely on it: a reader that left and a file that may not grow are errors to
// report. Programs that we start get the dispositions that they are due.
void ignore_deadly_signals() {
    for (const int signal : {SIGPIPE, SIGXFSZ}) {
        struct sigaction action;
        if (sigaction(signal, nullptr, &action) != 0 || action.sa_handler != SIG_DFL) continue;
        action.sa_handler = SIG_IGN;
        sigaction(signal, &action, nullptr);
    }
}

void leave(napi_async_cleanup_hook_handle handle, void *data) {
    auto *addon = static_cast<Addon *>(data);
    addon->context.reset();
    addon->reactor.shut([addon, handle] {
        delete addon;
        napi_remove_async_cleanup_hook(handle);
    });
}

Napi::Object init(Napi::Env env, Napi::Object exports) {
    ignore_deadly_signals();
    uv_loop_t *loop = nullptr;
    napi_get_uv_event_loop(env, &loop);
    auto context = std::make_unique<Napi::AsyncContext>(env, "pants");
    // Microtasks run once for a round, at its end.
    const auto round = [env, in = context.get()](const std::function<void()> &handlers) {
        const Napi::HandleScope handles(env);
        const Napi::CallbackScope callbacks(env, *in);
        handlers();
    };
    auto *addon = new Addon{env, std::move(context), Reactor(loop, round), {}, {}, {}, {}, {}, {}};
    napi_add_async_cleanup_hook(env, leave, addon, nullptr);
    define_descriptors(exports, addon);
    define_processes(exports, addon);
    define_table(exports, addon);
    define_folders(exports, addon);
    define_vigil(exports, addon);
    define_relay(exports, addon);
    return exports;
}

} // namespace

NODE_API_MODULE(pants, init)
