// Bindings: what streams through a link past us.
#include "binding.h"

#include <cerrno>

namespace {

using Info = const Napi::CallbackInfo &;

double double_at(Info info, size_t index) {
    return info[index].ToNumber().DoubleValue();
}

uint64_t count_at(Info info, size_t index) {
    return static_cast<uint64_t>(info[index].ToNumber().Int64Value());
}

RelayLink::Name name_at(Info info) {
    return {static_cast<uint32_t>(count_at(info, 1)), int_at(info, 2)};
}

bool with(Info info, bool wake, const std::function<void(RelayLink &)> &use) {
    return addon_of(info).relay.with(int_at(info, 0), wake, use);
}

Napi::Value start(Info info) {
    return number(info, addon_of(info).relay.start());
}

Napi::Value open(Info info) {
    Addon &addon = addon_of(info);
    const int started = addon.relay.start();
    if (started < 0) return number(info, started);
    const int in = int_at(info, 0), out = int_at(info, 1);
    const RelayLink::Transit transit{int_at(info, 2), int_at(info, 3)};
    const Bytes first = bytes_at(info, 5);
    return number(info, addon.relay.open(std::make_unique<RelayLink>(in, out, transit, addon.vigil.voice(out),
                                                                     addon.vigil.signs(), count_at(info, 4),
                                                                     std::string(first.data, first.size))));
}

Napi::Value close(Info info) {
    addon_of(info).relay.close(int_at(info, 0));
    return info.Env().Undefined();
}

Napi::Value leave(Info info) {
    bool idle = false;
    with(info, false, [&](RelayLink &link) { idle = link.idle(); });
    if (idle) addon_of(info).relay.close(int_at(info, 0));
    return Napi::Boolean::New(info.Env(), idle);
}

Napi::Value send(Info info) {
    const Napi::Array pieces = info[1].As<Napi::Array>();
    std::string bytes;
    for (uint32_t i = 0; i < pieces.Length(); i++)
        bytes += bytes_of(pieces[i]);
    size_t waiting = 0;
    with(info, false, [&](RelayLink &link) { waiting = link.send(bytes.data(), bytes.size()); });
    // What waits, the thread waits for.
    if (waiting > 0) with(info, true, [](RelayLink &) {});
    return number(info, static_cast<double>(waiting));
}

Napi::Value take(Info info) {
    std::string bytes;
    std::vector<RelayLink::News> news;
    bool was_full = false;
    with(info, false, [&](RelayLink &link) {
        was_full = link.inbox.size() >= (512 << 10);
        bytes.swap(link.inbox);
        news.swap(link.news);
    });
    if (was_full) with(info, true, [](RelayLink &) {});
    Napi::Array list = Napi::Array::New(info.Env(), news.size());
    for (size_t i = 0; i < news.size(); i++) {
        Napi::Object one = Napi::Object::New(info.Env());
        one.Set("what", static_cast<double>(news[i].what));
        one.Set("stream", news[i].name.stream);
        one.Set("fd", news[i].name.fd);
        one.Set("error", news[i].error);
        list.Set(static_cast<uint32_t>(i), one);
    }
    Napi::Object result = Napi::Object::New(info.Env());
    result.Set("bytes", Napi::Buffer<char>::Copy(info.Env(), bytes.data(), bytes.size()));
    result.Set("news", list);
    return result;
}

Napi::Value silent_ms(Info info) {
    int64_t heard = 0;
    if (!with(info, false, [&](RelayLink &link) { heard = link.heard_us(); })) return number(info, 0);
    return number(info, static_cast<double>(monotonic_us() - heard) / 1000);
}

Napi::Value add_source(Info info) {
    RelayLink::Source source{name_at(info), int_at(info, 3), static_cast<int64_t>(double_at(info, 4)),
                             count_at(info, 5), count_at(info, 6)};
    return number(info, with(info, true, [&](RelayLink &link) { link.add(source); }) ? 0 : -ENOENT);
}

Napi::Value credit(Info info) {
    bool fine = true;
    with(info, true, [&](RelayLink &link) { fine = link.credit(name_at(info), count_at(info, 3)); });
    return number(info, fine ? 0 : -EPROTO);
}

Napi::Value add_sink(Info info) {
    RelayLink::Sink sink{name_at(info), int_at(info, 3), count_at(info, 4), count_at(info, 5),
                         count_at(info, 6)};
    const Bytes first = bytes_at(info, 7);
    sink.stash.assign(first.data, first.size);
    int result = -ENOENT;
    with(info, true, [&](RelayLink &link) { result = link.add(std::move(sink)); });
    return number(info, result);
}

Napi::Value hush(Info info) {
    with(info, true, [](RelayLink &link) { link.hush(); });
    return info.Env().Undefined();
}

Napi::Value go(Info info) {
    with(info, true, [](RelayLink &link) { link.go(); });
    return info.Env().Undefined();
}

Napi::Value sunk(Info info) {
    Napi::Object result = Napi::Object::New(info.Env());
    with(info, false, [&](RelayLink &link) {
        const RelayLink::Sink *sink = link.sink(name_at(info));
        result.Set("count", sink == nullptr ? 0.0 : static_cast<double>(sink->delivered));
        result.Set("waiting", sink == nullptr ? 0.0 : static_cast<double>(sink->stashed()));
    });
    return result;
}

Napi::Value rest_of(Info info, const RelayLink::Rest &rest) {
    Napi::Object result = Napi::Object::New(info.Env());
    result.Set("count", static_cast<double>(rest.count));
    result.Set("remaining", static_cast<double>(rest.remaining));
    result.Set("bytes", Napi::Buffer<char>::Copy(info.Env(), rest.bytes.data(), rest.bytes.size()));
    return result;
}

Napi::Value end_source(Info info) {
    RelayLink::Rest rest{0, 0, {}};
    with(info, true, [&](RelayLink &link) { rest = link.end_source(name_at(info)); });
    return rest_of(info, rest);
}

Napi::Value end_sink(Info info) {
    RelayLink::Rest rest{0, 0, {}};
    with(info, true, [&](RelayLink &link) { rest = link.end_sink(name_at(info)); });
    return rest_of(info, rest);
}

} // namespace

void define_relay(Napi::Object exports, Addon *addon) {
    define<start>(exports, addon, "relayStart");
    define<open>(exports, addon, "relayOpen");
    define<close>(exports, addon, "relayClose");
    define<leave>(exports, addon, "relayLeave");
    define<send>(exports, addon, "relaySend");
    define<take>(exports, addon, "relayTake");
    define<silent_ms>(exports, addon, "relaySilentMs");
    define<add_source>(exports, addon, "relaySource");
    define<end_source>(exports, addon, "relayEndSource");
    define<credit>(exports, addon, "relayCredit");
    define<add_sink>(exports, addon, "relaySink");
    define<hush>(exports, addon, "relayHush");
    define<go>(exports, addon, "relayGo");
    define<sunk>(exports, addon, "relaySunk");
    define<end_sink>(exports, addon, "relayEndSink");
}
