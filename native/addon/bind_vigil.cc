// Bindings: who speaks for us while a file server keeps us.
#include "binding.h"

namespace {

using Info = const Napi::CallbackInfo &;

Napi::Value join(Info info) {
    const Bytes words = bytes_at(info, 1);
    return number(info,
                  addon_of(info).vigil.join(int_at(info, 0), {words.data, words.size}, int_at(info, 2)));
}

Napi::Value leave(Info info) {
    addon_of(info).vigil.leave(int_at(info, 0));
    return info.Env().Undefined();
}

Napi::Value hold(Info info) {
    addon_of(info).vigil.hold(int_at(info, 0));
    return info.Env().Undefined();
}

Napi::Value release(Info info) {
    addon_of(info).vigil.release(int_at(info, 0));
    return info.Env().Undefined();
}

Napi::Value tick(Info info) {
    addon_of(info).vigil.tick(int_at(info, 0));
    return info.Env().Undefined();
}

Napi::Value guard(Info info) {
    return number(info, addon_of(info).vigil.guard(int_at(info, 0), int_at(info, 1)));
}

Napi::Value listen(Info info) {
    return number(info, addon_of(info).vigil.listen(int_at(info, 0)));
}

} // namespace

void define_vigil(Napi::Object exports, Addon *addon) {
    define<join>(exports, addon, "vigilJoin");
    define<leave>(exports, addon, "vigilLeave");
    define<hold>(exports, addon, "vigilHold");
    define<release>(exports, addon, "vigilRelease");
    define<tick>(exports, addon, "vigilTick");
    define<guard>(exports, addon, "vigilGuard");
    define<listen>(exports, addon, "vigilListen");
}
