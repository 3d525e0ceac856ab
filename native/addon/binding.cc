// See binding.h.
#include "binding.h"

namespace {

[[noreturn]] void refuse(Napi::Env env, size_t index, const char *type) {
    throw Napi::TypeError::New(env, "argument " + std::to_string(index) + " must be a " + type);
}

} // namespace

int int_at(const Napi::CallbackInfo &info, size_t index) {
    if (!info[index].IsNumber()) refuse(info.Env(), index, "number");
    return info[index].As<Napi::Number>().Int32Value();
}

bool bool_at(const Napi::CallbackInfo &info, size_t index) {
    if (!info[index].IsBoolean()) refuse(info.Env(), index, "boolean");
    return info[index].As<Napi::Boolean>().Value();
}

std::string string_at(const Napi::CallbackInfo &info, size_t index) {
    if (!info[index].IsString()) refuse(info.Env(), index, "string");
    return info[index].As<Napi::String>().Utf8Value();
}

Napi::Function function_at(const Napi::CallbackInfo &info, size_t index) {
    if (!info[index].IsFunction()) refuse(info.Env(), index, "function");
    return info[index].As<Napi::Function>();
}

Bytes bytes_at(const Napi::CallbackInfo &info, size_t index) {
    if (!info[index].IsBuffer()) refuse(info.Env(), index, "Buffer");
    const auto buffer = info[index].As<Napi::Buffer<char>>();
    return {buffer.Data(), buffer.Length()};
}

std::string bytes_of(const Napi::Value &value) {
    if (!value.IsBuffer()) throw Napi::TypeError::New(value.Env(), "a Buffer was expected");
    const auto buffer = value.As<Napi::Buffer<char>>();
    return {buffer.Data(), buffer.Length()};
}

Callback::Callback(Addon &addon, Napi::Function function)
    : addon_(&addon), function_(std::make_shared<Napi::FunctionReference>(Napi::Persistent(function))) {}

void Callback::operator()(const std::function<Napi::Value(Napi::Env)> &argument) const {
    const Napi::Env env = addon_->env;
    const Napi::HandleScope scope(env);
    try {
        const napi_value value = argument(env);
        function_->Value().MakeCallback(env.Global(), {value}, *addon_->context);
    } catch (const Napi::Error &error) {
        napi_fatal_exception(env, error.Value());
    }
}
