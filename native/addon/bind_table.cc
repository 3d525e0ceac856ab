// Bindings: the slot table, the record of decisions, the clock.
#include "binding.h"
#include "slots.h"

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace {

using Info = const Napi::CallbackInfo &;

Napi::Value nothing(Info info) {
    return info.Env().Undefined();
}

uint32_t uint_of(const Napi::Object &object, const char *name) {
    const Napi::Value value = object.Get(name);
    if (!value.IsNumber()) throw Napi::TypeError::New(value.Env(), std::string(name) + " must be a number");
    return value.As<Napi::Number>().Uint32Value();
}

std::string string_of(const Napi::Object &object, const char *name) {
    const Napi::Value value = object.Get(name);
    if (!value.IsString()) throw Napi::TypeError::New(value.Env(), std::string(name) + " must be a string");
    return value.As<Napi::String>().Utf8Value();
}

// As much of a fixed field as is text.
template <size_t size> std::string text(const char (&field)[size]) {
    return {field, strnlen(field, size)};
}

Napi::Value table_open(Info info) {
    const int total = int_at(info, 1);
    const auto mode = static_cast<mode_t>(int_at(info, 2));
    if (total < 0) return number(info, -EINVAL);
    return number(info, addon_of(info).table.open(string_at(info, 0), static_cast<uint32_t>(total), mode));
}

Napi::Value table_close(Info info) {
    addon_of(info).table.close();
    return nothing(info);
}

Napi::Value table_total(Info info) {
    return number(info, addon_of(info).table.total());
}

Napi::Value table_set_total(Info info) {
    const int total = int_at(info, 0);
    addon_of(info).table.set_total(total < 0 ? 0 : static_cast<uint32_t>(total));
    return nothing(info);
}

Napi::Value table_set_beside(Info info) {
    const int beside = int_at(info, 0);
    addon_of(info).table.set_beside(beside < 0 ? 0 : static_cast<uint32_t>(beside));
    return nothing(info);
}

Napi::Value table_queue_first(Info info) {
    addon_of(info).table.queue_first(static_cast<uint32_t>(int_at(info, 0)));
    return nothing(info);
}

Napi::Value slot_take(Info info) {
    return number(info, addon_of(info).table.take(bool_at(info, 0)));
}

Napi::Value slot_release(Info info) {
    addon_of(info).table.release(int_at(info, 0));
    return nothing(info);
}

Napi::Value slot_release_pid(Info info) {
    addon_of(info).table.release_pid(int_at(info, 0));
    return nothing(info);
}

Napi::Value slot_counts(Info info) {
    const Table::Counts counts = addon_of(info).table.counts();
    Napi::Object result = Napi::Object::New(info.Env());
    result.Set("taken", counts.taken);
    result.Set("guests", counts.guests);
    result.Set("beside", counts.beside);
    result.Set("besideTotal", counts.beside_total);
    return result;
}

Napi::Value slot_words(Info info) {
    Napi::Array result = Napi::Array::New(info.Env());
    for (const uint64_t word : addon_of(info).table.words()) {
        Napi::Object slot = Napi::Object::New(info.Env());
        slot.Set("pid", PANTS_SLOT_PID(word));
        slot.Set("lent", PANTS_SLOT_LENT(word));
        slot.Set("pending", (word & PANTS_SLOT_PENDING) != 0);
        slot.Set("guest", (word & PANTS_SLOT_GUEST) != 0);
        result.Set(result.Length(), slot);
    }
    return result;
}

Napi::Value why(Info info) {
    if (!info[0].IsObject()) throw Napi::TypeError::New(info.Env(), "record must be an object");
    const auto from = info[0].As<Napi::Object>();
    pants_why record{};
    record.pid = static_cast<int32_t>(uint_of(from, "pid"));
    record.uid = uint_of(from, "uid");
    record.where = static_cast<uint8_t>(uint_of(from, "where"));
    record.reason = static_cast<uint8_t>(uint_of(from, "reason"));
    record.index = static_cast<uint8_t>(uint_of(from, "index"));
    record.duration_ms = uint_of(from, "durationMs");
    record.status = static_cast<int32_t>(uint_of(from, "status"));
    snprintf(record.host, sizeof record.host, "%s", string_of(from, "host").c_str());
    pants_copy_tail(record.program, sizeof record.program, string_of(from, "program").c_str());
    snprintf(record.detail, sizeof record.detail, "%s", string_of(from, "detail").c_str());
    addon_of(info).table.append(record);
    return nothing(info);
}

Napi::Value why_read(Info info) {
    const int count = int_at(info, 0);
    Napi::Array result = Napi::Array::New(info.Env());
    if (count <= 0) return result;
    for (const pants_why &record : addon_of(info).table.latest(static_cast<uint32_t>(count))) {
        Napi::Object to = Napi::Object::New(info.Env());
        to.Set("seq", static_cast<double>(record.seq));
        to.Set("timeNs", Napi::BigInt::New(info.Env(), record.time_ns));
        to.Set("pid", record.pid);
        to.Set("uid", record.uid);
        to.Set("where", record.where);
        to.Set("reason", record.reason);
        to.Set("index", record.index);
        to.Set("durationMs", record.duration_ms);
        to.Set("status", record.status);
        to.Set("host", text(record.host));
        to.Set("program", text(record.program));
        to.Set("detail", text(record.detail));
        result.Set(result.Length(), to);
    }
    return result;
}

Napi::Value boot_time(Info info) {
    return Napi::BigInt::New(info.Env(), boot_time_ns());
}

} // namespace

void define_table(Napi::Object exports, Addon *addon) {
    define<table_open>(exports, addon, "tableOpen");
    define<table_close>(exports, addon, "tableClose");
    define<table_total>(exports, addon, "tableTotal");
    define<table_set_total>(exports, addon, "tableSetTotal");
    define<table_set_beside>(exports, addon, "tableSetBeside");
    define<table_queue_first>(exports, addon, "tableQueueFirst");
    define<slot_take>(exports, addon, "slotTake");
    define<slot_release>(exports, addon, "slotRelease");
    define<slot_release_pid>(exports, addon, "slotReleasePid");
    define<slot_counts>(exports, addon, "slotCounts");
    define<slot_words>(exports, addon, "slotWords");
    define<why>(exports, addon, "why");
    define<why_read>(exports, addon, "whyRead");
    define<boot_time>(exports, addon, "bootTimeNs");
}
