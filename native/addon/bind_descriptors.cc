// Bindings: readiness, unix sockets, descriptors of others, pipes, files.
#include "binding.h"
#include "terminal.h"
#include "unix_socket.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

namespace {

using Info = const Napi::CallbackInfo &;

// Pieces that one write takes; what lies behind them waits for the next.
constexpr uint32_t kPieces = 64;

constexpr const char *kKinds[] = {"pipe", "socket", "tty", "file", "null", "other", "closed"};

Kind kind_at(Info info, size_t index) {
    char name[16] = "";
    size_t length = 0;
    napi_get_value_string_latin1(info.Env(), info[index], name, sizeof name, &length);
    for (size_t i = 0; i < std::size(kKinds); i++) {
        if (strcmp(name, kKinds[i]) == 0) return static_cast<Kind>(i);
    }
    throw Napi::TypeError::New(info.Env(), std::string("no kind of descriptor: ") + name);
}

Napi::Value or_error(Info info, int result) {
    return number(info, result < 0 ? -errno : result);
}

Napi::Value watch(Info info) {
    Addon &addon = addon_of(info);
    const int fd = int_at(info, 0);
    const uint32_t events = static_cast<uint32_t>(info[1].ToNumber().Int64Value());
    const Callback callback(addon, function_at(info, 2));
    return number(info, addon.reactor.watch(fd, events, [callback](uint32_t happened) {
        callback([happened](Napi::Env env) { return Napi::Number::New(env, happened); });
    }));
}

Napi::Value unwatch(Info info) {
    addon_of(info).reactor.unwatch(int_at(info, 0));
    return info.Env().Undefined();
}

Napi::Value close_fd(Info info) {
    const int fd = int_at(info, 0);
    addon_of(info).reactor.unwatch(fd);
    ::close(fd);
    return info.Env().Undefined();
}

Napi::Value listen_at(Info info) {
    return number(info, listen_unix(string_at(info, 0), static_cast<mode_t>(int_at(info, 1))));
}

Napi::Value connect_to(Info info) {
    return number(info, connect_unix(string_at(info, 0)));
}

Napi::Value accept_from(Info info) {
    return number(info, accept_unix(int_at(info, 0)));
}

Napi::Value peer_cred(Info info) {
    const int fd = int_at(info, 0);
    ucred cred{};
    socklen_t size = sizeof cred;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &size) < 0) return info.Env().Null();
    // The first call says how many there are.
    std::vector<gid_t> groups;
    size = 0;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, nullptr, &size) < 0 && errno == ERANGE) {
        groups.resize(size / sizeof(gid_t));
        if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size) < 0) return info.Env().Null();
    }
    Napi::Array list = Napi::Array::New(info.Env(), groups.size());
    for (size_t i = 0; i < groups.size(); i++)
        list.Set(static_cast<uint32_t>(i), groups[i]);
    Napi::Object result = Napi::Object::New(info.Env());
    result.Set("pid", cred.pid);
    result.Set("uid", cred.uid);
    result.Set("gid", cred.gid);
    result.Set("groups", list);
    return result;
}

Napi::Value receive_from(Info info) {
    const Bytes into = bytes_at(info, 1);
    std::vector<int> fds;
    const ssize_t n = receive(int_at(info, 0), into.data, into.size, fds);
    Napi::Array list = Napi::Array::New(info.Env(), fds.size());
    for (size_t i = 0; i < fds.size(); i++)
        list.Set(static_cast<uint32_t>(i), fds[i]);
    Napi::Object result = Napi::Object::New(info.Env());
    result.Set("n", static_cast<double>(n));
    result.Set("fds", list);
    return result;
}

Napi::Value send_to(Info info) {
    const Bytes data = bytes_at(info, 1);
    return number(info, static_cast<double>(send_bytes(int_at(info, 0), data.data, data.size)));
}

// Which file lies behind a descriptor, to be compared: device, inode and device number.
std::string name_of(const struct stat &st) {
    char name[80];
    snprintf(name, sizeof name, "%llx:%llx:%llx", static_cast<unsigned long long>(st.st_dev),
             static_cast<unsigned long long>(st.st_ino), static_cast<unsigned long long>(st.st_rdev));
    return name;
}

// A pipe without a name.
bool is_anonymous(int fd) {
    struct statfs fs;
    return fstatfs(fd, &fs) == 0 && fs.f_type == PIPEFS_MAGIC;
}

Napi::Value examine(Info info) {
    const int fd = int_at(info, 0);
    struct stat st;
    const Kind kind = fstat(fd, &st) < 0 ? Kind::closed : classify(fd, st);
    Napi::Object result = Napi::Object::New(info.Env());
    result.Set("kind", kKinds[static_cast<size_t>(kind)]);
    result.Set("flags", kind == Kind::closed ? -EBADF : fcntl(fd, F_GETFL));
    result.Set("file", kind == Kind::closed ? std::string() : name_of(st));
    result.Set("anonymous", kind == Kind::pipe && is_anonymous(fd));
    return result;
}

Napi::Value readable(Info info) {
    int bytes = 0;
    const int result = ioctl(int_at(info, 0), FIONREAD, &bytes);
    return or_error(info, result < 0 ? result : bytes);
}

Napi::Value peek(Info info) {
    const int skip = int_at(info, 2);
    if (skip < 0) return number(info, -EINVAL);
    const Bytes into = bytes_at(info, 3);
    return number(
        info, static_cast<double>(addon_of(info).pump.peek(int_at(info, 0), kind_at(info, 1),
                                                           static_cast<size_t>(skip), into.data, into.size)));
}

Napi::Value consume(Info info) {
    const int count = int_at(info, 2);
    if (count < 0) return number(info, -EINVAL);
    return number(info, static_cast<double>(addon_of(info).pump.consume(int_at(info, 0), kind_at(info, 1),
                                                                        static_cast<size_t>(count))));
}

Napi::Value read_from(Info info) {
    const Bytes into = bytes_at(info, 2);
    return number(info, static_cast<double>(addon_of(info).pump.read(int_at(info, 0), kind_at(info, 1),
                                                                     into.data, into.size)));
}

Napi::Value write_to(Info info) {
    const Bytes data = bytes_at(info, 2);
    return number(info, static_cast<double>(addon_of(info).pump.write(int_at(info, 0), kind_at(info, 1),
                                                                      data.data, data.size)));
}

Napi::Value read_own(Info info) {
    const Bytes into = bytes_at(info, 1);
    return or_error(info, static_cast<int>(read(int_at(info, 0), into.data, into.size)));
}

Napi::Value write_own(Info info) {
    if (!info[1].IsArray()) throw Napi::TypeError::New(info.Env(), "argument 1 must be an array of Buffers");
    const Napi::Array pieces = info[1].As<Napi::Array>();
    iovec parts[kPieces];
    const uint32_t count = std::min(pieces.Length(), kPieces);
    for (uint32_t i = 0; i < count; i++) {
        const Napi::Value value = pieces.Get(i);
        if (!value.IsBuffer()) throw Napi::TypeError::New(info.Env(), "a Buffer was expected");
        const auto piece = value.As<Napi::Buffer<char>>();
        parts[i] = {piece.Data(), piece.Length()};
    }
    return or_error(info, static_cast<int>(writev(int_at(info, 0), parts, static_cast<int>(count))));
}

Napi::Value reopen_fd(Info info) {
    return or_error(info, reopen(int_at(info, 0)));
}

Napi::Value make_timer(Info info) {
    return or_error(info, timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
}

Napi::Value arm_timer(Info info) {
    const itimerspec once{{0, 0}, {0, 1000L * int_at(info, 1)}};
    return or_error(info, timerfd_settime(int_at(info, 0), 0, &once, nullptr));
}

// A socket's room is that of its end which writes.
int widen_socket(int fd, int size) {
    int now = 0;
    socklen_t length = sizeof now;
    if (getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &now, &length) < 0) return -1;
    if (now < size && setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size) < 0) return -1;
    return getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &now, &length) < 0 ? -1 : now;
}

Napi::Value widen(Info info) {
    const int fd = int_at(info, 0), size = int_at(info, 1);
    const int now = fcntl(fd, F_GETPIPE_SZ);
    if (now < 0) return or_error(info, widen_socket(fd, size));
    return or_error(info, now >= size ? now : fcntl(fd, F_SETPIPE_SZ, size));
}

Napi::Value make_pipe(Info info) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0) {
        throw Napi::Error::New(info.Env(), std::string("cannot make a pipe: ") + strerror(errno));
    }
    Napi::Array result = Napi::Array::New(info.Env(), 2);
    result.Set(0u, ends[0]);
    result.Set(1u, ends[1]);
    return result;
}

Napi::Value set_blocking(Info info) {
    const int fd = int_at(info, 0);
    const int flags = fcntl(fd, F_GETFL);
    fcntl(fd, F_SETFL, bool_at(info, 1) ? flags & ~O_NONBLOCK : flags | O_NONBLOCK);
    return info.Env().Undefined();
}

Napi::Value make_socket_pair(Info info) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0) {
        throw Napi::Error::New(info.Env(), std::string("cannot make a pair of sockets: ") + strerror(errno));
    }
    Napi::Array result = Napi::Array::New(info.Env(), 2);
    result.Set(0u, ends[0]);
    result.Set(1u, ends[1]);
    return result;
}

Napi::Value open_null(Info info) {
    return or_error(info, open("/dev/null", (int_at(info, 0) & O_ACCMODE) | O_CLOEXEC));
}

Napi::Value duplicate(Info info) {
    return or_error(info, fcntl(int_at(info, 0), F_DUPFD_CLOEXEC, 3));
}

Napi::Value is_same_open(Info info) {
    const pid_t self = getpid();
    const long order = syscall(SYS_kcmp, self, self, KCMP_FILE, int_at(info, 0), int_at(info, 1));
    return order < 0 ? or_error(info, -1) : number(info, order == 0 ? 1 : 0);
}

Napi::Value seek(Info info) {
    const int64_t offset = info[1].ToNumber().Int64Value();
    const off_t now =
        offset < 0 ? lseek(int_at(info, 0), 0, SEEK_CUR) : lseek(int_at(info, 0), offset, SEEK_SET);
    return number(info, now < 0 ? -errno : static_cast<double>(now));
}

Napi::Value shut_down(Info info) {
    return or_error(info, shutdown(int_at(info, 0), bool_at(info, 1) ? SHUT_WR : SHUT_RD));
}

Napi::Value terminal_state(Info info) {
    char state[kTerminalSize] = {};
    if (terminal_read(int_at(info, 0), state) < 0) return info.Env().Null();
    return Napi::Buffer<char>::Copy(info.Env(), state, sizeof state);
}

Napi::Value set_terminal(Info info) {
    const Bytes state = bytes_at(info, 1);
    return number(info, state.size < kWindowAt ? -EINVAL : terminal_write(int_at(info, 0), state.data));
}

Napi::Value set_window(Info info) {
    const Bytes window = bytes_at(info, 1);
    return number(info, window.size != kTerminalSize - kWindowAt
                            ? -EINVAL
                            : window_write(int_at(info, 0), window.data));
}

Napi::Value open_terminal(Info info) {
    const Bytes state = bytes_at(info, 0);
    int master = -1, slave = -1;
    const int error = state.size != kTerminalSize ? -EINVAL : terminal_open(state.data, master, slave);
    if (error != 0)
        throw Napi::Error::New(info.Env(), std::string("cannot make a terminal: ") + strerror(-error));
    Napi::Array result = Napi::Array::New(info.Env(), 2);
    result.Set(0u, master);
    result.Set(1u, slave);
    return result;
}

Napi::Value lock_file(Info info) {
    const std::string path = string_at(info, 0);
    const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) return or_error(info, fd);
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) return number(info, fd);
    const int error = -errno;
    ::close(fd);
    return number(info, error);
}

Napi::Value write_record(Info info) {
    const Bytes data = bytes_at(info, 1);
    return or_error(info, static_cast<int>(pwrite(int_at(info, 0), data.data, data.size, 0)));
}

} // namespace

void define_descriptors(Napi::Object exports, Addon *addon) {
    define<watch>(exports, addon, "watch");
    define<unwatch>(exports, addon, "unwatch");
    define<close_fd>(exports, addon, "close");
    define<listen_at>(exports, addon, "listenUnix");
    define<connect_to>(exports, addon, "connectUnix");
    define<accept_from>(exports, addon, "accept");
    define<peer_cred>(exports, addon, "peerCred");
    define<receive_from>(exports, addon, "receive");
    define<send_to>(exports, addon, "send");
    define<examine>(exports, addon, "examine");
    define<readable>(exports, addon, "readable");
    define<peek>(exports, addon, "peek");
    define<consume>(exports, addon, "consume");
    define<read_from>(exports, addon, "read");
    define<write_to>(exports, addon, "write");
    define<read_own>(exports, addon, "readOwn");
    define<write_own>(exports, addon, "writeOwn");
    define<reopen_fd>(exports, addon, "reopen");
    define<make_timer>(exports, addon, "timer");
    define<arm_timer>(exports, addon, "arm");
    define<widen>(exports, addon, "widen");
    define<make_pipe>(exports, addon, "pipe");
    define<set_blocking>(exports, addon, "setBlocking");
    define<make_socket_pair>(exports, addon, "socketPair");
    define<open_null>(exports, addon, "openNull");
    define<terminal_state>(exports, addon, "terminalState");
    define<set_terminal>(exports, addon, "setTerminal");
    define<set_window>(exports, addon, "setWindow");
    define<open_terminal>(exports, addon, "openTerminal");
    define<duplicate>(exports, addon, "duplicate");
    define<is_same_open>(exports, addon, "isSameOpen");
    define<seek>(exports, addon, "seek");
    define<shut_down>(exports, addon, "shutdown");
    define<lock_file>(exports, addon, "lockFile");
    define<write_record>(exports, addon, "writeRecord");
}
