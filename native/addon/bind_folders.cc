// Bindings: what changes in folders.
#include "binding.h"

#include <cerrno>

namespace {

using Info = const Napi::CallbackInfo &;

Napi::Value watch_folder(Info info) {
    const Bytes path = bytes_at(info, 0);
    const std::string text(path.data, path.size);
    if (text.find('\0') != std::string::npos) return number(info, -EINVAL);
    return number(info, addon_of(info).folders.watch(text));
}

Napi::Value unwatch_folder(Info info) {
    addon_of(info).folders.unwatch(int_at(info, 0));
    return info.Env().Undefined();
}

Napi::Value changed_files(Info info) {
    const Napi::Env env = info.Env();
    Napi::Array result = Napi::Array::New(env);
    uint32_t count = 0;
    for (const Folders::Change &change : addon_of(info).folders.changes()) {
        Napi::Object one = Napi::Object::New(env);
        one.Set("folder", change.folder);
        one.Set("name", Napi::Buffer<char>::Copy(env, change.name.data(), change.name.size()));
        result[count++] = one;
    }
    return result;
}

} // namespace

void define_folders(Napi::Object exports, Addon *addon) {
    define<watch_folder>(exports, addon, "watchFolder");
    define<unwatch_folder>(exports, addon, "unwatchFolder");
    define<changed_files>(exports, addon, "changedFiles");
}
