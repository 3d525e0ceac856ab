// Bindings: what changes in folders, and files that other hosts change.
#include "binding.h"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>

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

// Asks the server of a network file system, whatever the kernel has cached.
Napi::Value size_now(Info info) {
    const Bytes path = bytes_at(info, 0);
    const std::string text(path.data, path.size);
    if (text.find('\0') != std::string::npos) return number(info, -EINVAL);
    struct statx file;
    if (statx(AT_FDCWD, text.c_str(), AT_SYMLINK_NOFOLLOW | AT_STATX_FORCE_SYNC, STATX_SIZE, &file) < 0)
        return number(info, -errno);
    return number(info, static_cast<double>(file.stx_size));
}

} // namespace

void define_folders(Napi::Object exports, Addon *addon) {
    define<watch_folder>(exports, addon, "watchFolder");
    define<unwatch_folder>(exports, addon, "unwatchFolder");
    define<changed_files>(exports, addon, "changedFiles");
    define<size_now>(exports, addon, "sizeNow");
}
