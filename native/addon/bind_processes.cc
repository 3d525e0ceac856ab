// Bindings: starting programs, waiting for them, signalling them.
#include "binding.h"
#include "spawn.h"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace {

using Info = const Napi::CallbackInfo &;

uint64_t bits_of(const Napi::Value &value) {
    if (!value.IsBigInt()) throw Napi::TypeError::New(value.Env(), "a bigint was expected");
    bool lossless;
    return value.As<Napi::BigInt>().Uint64Value(&lossless);
}

int int_of(const Napi::Value &value) {
    if (!value.IsNumber()) throw Napi::TypeError::New(value.Env(), "a number was expected");
    return value.As<Napi::Number>().Int32Value();
}

Napi::Array array_of(const Napi::Value &value) {
    if (!value.IsArray()) throw Napi::TypeError::New(value.Env(), "an array was expected");
    return value.As<Napi::Array>();
}

std::vector<std::string> strings_of(const Napi::Value &value) {
    const Napi::Array array = array_of(value);
    std::vector<std::string> strings(array.Length());
    for (uint32_t i = 0; i < strings.size(); i++)
        strings[i] = bytes_of(array[i]);
    return strings;
}

// Strings in one block, each after its length.
std::vector<std::string> block_of(const Napi::Value &value) {
    const std::string block = bytes_of(value);
    std::vector<std::string> strings;
    for (size_t at = 0; at < block.size();) {
        uint32_t length = 0;
        if (block.size() - at < sizeof length) throw Napi::RangeError::New(value.Env(), "a length is cut short");
        memcpy(&length, block.data() + at, sizeof length);
        at += sizeof length;
        if (block.size() - at < length) throw Napi::RangeError::New(value.Env(), "a string is cut short");
        strings.emplace_back(block, at, length);
        at += length;
    }
    return strings;
}

bool has_nul(const std::string &string) {
    return string.find('\0') != std::string::npos;
}

bool any_nul(const SpawnRequest &request) {
    if (has_nul(request.path) || has_nul(request.cwd)) return true;
    for (const auto *strings : {&request.argv, &request.env}) {
        for (const std::string &string : *strings) {
            if (has_nul(string)) return true;
        }
    }
    return false;
}

SpawnRequest request_of(const Napi::Object &options) {
    SpawnRequest request;
    request.path = bytes_of(options.Get("path"));
    request.argv = strings_of(options.Get("argv"));
    request.env = block_of(options.Get("env"));
    request.cwd = bytes_of(options.Get("cwd"));
    request.umask = static_cast<mode_t>(int_of(options.Get("umask")));
    const Napi::Array fds = array_of(options.Get("fds"));
    for (uint32_t i = 0; i < fds.Length(); i++)
        request.fds.push_back(int_of(fds[i]));
    if (request.fds.size() > kDescriptorsMax)
        throw Napi::RangeError::New(options.Env(), "too many descriptors");
    request.terminal = int_of(options.Get("terminal"));
    request.session = options.Get("session").ToBoolean();
    request.death_signal = options.Get("deathSignal").ToBoolean();
    request.ignored = bits_of(options.Get("ignored"));
    request.blocked = bits_of(options.Get("blocked"));
    request.nice = int_of(options.Get("nice"));
    request.io_priority = int_of(options.Get("ioPriority"));
    const Napi::Array limits = array_of(options.Get("rlimits"));
    for (uint32_t i = 0; i < limits.Length(); i++) {
        const Napi::Array pair = array_of(limits[i]);
        request.limits.push_back({bits_of(pair[0u]), bits_of(pair[1u])});
    }
    request.slot = int_of(options.Get("slot"));
    request.policy = int_of(options.Get("policy"));
    return request;
}

// False: what no program can be given; its slot is free again.
bool take_request(Info info, SpawnRequest &request) {
    Addon &addon = addon_of(info);
    if (!info[0].IsObject()) throw Napi::TypeError::New(info.Env(), "options must be an object");
    request = request_of(info[0].As<Napi::Object>());
    request.table = addon.table.get();
    if (request.slot >= PANTS_SLOT_CAPACITY || request.table == nullptr) request.slot = -1;
    if (!any_nul(request)) return true;
    addon.table.release(request.slot);
    return false;
}

Napi::Value spawn_program(Info info) {
    SpawnRequest request;
    if (!take_request(info, request)) return number(info, -EINVAL);
    const pid_t pid = spawn(request);
    if (pid > 0) addon_of(info).children.add(pid);
    return number(info, pid);
}

Napi::Value spawn_below_holder(Info info) {
    SpawnRequest request;
    Held held{-EINVAL, 0, -1};
    if (take_request(info, request))
        held = spawn_held(request, string_at(info, 1), static_cast<Leads>(int_at(info, 2)));
    if (held.holder > 0) addon_of(info).children.add(held.holder);
    Napi::Object result = Napi::Object::New(info.Env());
    result.Set("pid", held.program);
    result.Set("holder", held.holder);
    result.Set("report", held.report);
    return result;
}

Napi::Value result_of(Napi::Env env, const End &end) {
    const auto microseconds = [](const timeval &time) {
        return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_usec);
    };
    Napi::Object result = Napi::Object::New(env);
    result.Set("status", end.status);
    result.Set("userUs", microseconds(end.usage.ru_utime));
    result.Set("systemUs", microseconds(end.usage.ru_stime));
    result.Set("maxRssKb", static_cast<double>(end.usage.ru_maxrss));
    result.Set("inBlocks", static_cast<double>(end.usage.ru_inblock));
    result.Set("outBlocks", static_cast<double>(end.usage.ru_oublock));
    return result;
}

Napi::Value on_exit(Info info) {
    Addon &addon = addon_of(info);
    const pid_t pid = int_at(info, 0);
    const Callback callback(addon, function_at(info, 1));
    const int fd = open_child(pid);
    if (fd < 0) return number(info, fd);
    const int error = addon.reactor.watch(fd, EPOLLIN, [&addon, pid, fd, callback](uint32_t) {
        End end{};
        if (!addon.children.reap(pid, end)) return;
        addon.reactor.unwatch(fd);
        close(fd);
        callback([&end](Napi::Env env) { return result_of(env, end); });
    });
    if (error != 0) close(fd);
    return number(info, error);
}

Napi::Value open_pid(Info info) {
    const int fd = static_cast<int>(syscall(SYS_pidfd_open, int_at(info, 0), 0)); // close-on-exec
    return number(info, fd < 0 ? -errno : fd);
}

Napi::Value io_priority_of(Info info) {
    constexpr int process = 1; // IOPRIO_WHO_PROCESS
    const long priority = syscall(SYS_ioprio_get, process, int_at(info, 0));
    return number(info, priority < 0 ? -errno : static_cast<double>(priority));
}

Napi::Value stop_state_of(Info info) {
    return number(info, stop_state(int_at(info, 0)));
}

Napi::Value kill_process(Info info) {
    return number(info, kill(int_at(info, 0), int_at(info, 1)) < 0 ? -errno : 0);
}

Napi::Value kill_all(Info info) {
    return number(info, kill_session(int_at(info, 0), int_at(info, 1), bool_at(info, 2)));
}

Napi::Value reap_orphans(Info info) {
    const Napi::Array array = array_of(info[0]);
    std::unordered_set<pid_t> others;
    for (uint32_t i = 0; i < array.Length(); i++)
        others.insert(int_of(array[i]));
    return number(info, addon_of(info).children.reap_orphans(others));
}

Napi::Value set_subreaper(Info info) {
    return number(info, prctl(PR_SET_CHILD_SUBREAPER, 1) < 0 ? -errno : 0);
}

Napi::Value set_death_signal(Info info) {
    return number(info, prctl(PR_SET_PDEATHSIG, int_at(info, 0)) < 0 ? -errno : 0);
}

Napi::Value set_process_name(Info info) {
    prctl(PR_SET_NAME, string_at(info, 0).c_str());
    return info.Env().Undefined();
}

} // namespace

void define_processes(Napi::Object exports, Addon *addon) {
    define<spawn_program>(exports, addon, "spawn");
    define<spawn_below_holder>(exports, addon, "spawnHeld");
    define<on_exit>(exports, addon, "onExit");
    define<open_pid>(exports, addon, "pidfd");
    define<io_priority_of>(exports, addon, "ioPriority");
    define<stop_state_of>(exports, addon, "stopState");
    define<kill_process>(exports, addon, "kill");
    define<kill_all>(exports, addon, "killSession");
    define<reap_orphans>(exports, addon, "reapOrphans");
    define<set_subreaper>(exports, addon, "setSubreaper");
    define<set_death_signal>(exports, addon, "setDeathSignal");
    define<set_process_name>(exports, addon, "setProcessName");
}
