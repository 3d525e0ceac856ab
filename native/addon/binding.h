// What the bindings share: the state of one JavaScript environment, and the way arguments are taken. A wrong
// type throws a TypeError; what the system refuses is a result, -errno.
#ifndef PANTS_ADDON_BINDING_H
#define PANTS_ADDON_BINDING_H
#include <memory>
#include <napi.h>
#include <string>

#include "children.h"
#include "folders.h"
#include "pump.h"
#include "reactor.h"
#include "relay.h"
#include "table.h"
#include "vigil.h"

struct Addon {
    Napi::Env env;
    std::unique_ptr<Napi::AsyncContext> context;
    Reactor reactor;
    Pump pump;
    Children children;
    Table table;
    Folders folders;
    Vigil vigil;
    Relay relay;
};

inline Addon &addon_of(const Napi::CallbackInfo &info) {
    return *static_cast<Addon *>(info.Data());
}

// Argument `index` as what it has to be.
int int_at(const Napi::CallbackInfo &info, size_t index);
bool bool_at(const Napi::CallbackInfo &info, size_t index);
std::string string_at(const Napi::CallbackInfo &info, size_t index);
Napi::Function function_at(const Napi::CallbackInfo &info, size_t index);

struct Bytes {
    char *data;
    size_t size;
};
// Valid as long as the argument is: during this call.
Bytes bytes_at(const Napi::CallbackInfo &info, size_t index);
std::string bytes_of(const Napi::Value &value);

inline Napi::Value number(const Napi::CallbackInfo &info, double value) {
    return Napi::Number::New(info.Env(), value);
}

// A JavaScript function that the reactor may call: microtasks run at the end of the reactor's round, and what it
// throws is an uncaught exception. It can be called until it is destroyed, and be copied.
class Callback {
  public:
    Callback(Addon &addon, Napi::Function function);
    // `argument` makes the one argument, inside a handle scope.
    void operator()(const std::function<Napi::Value(Napi::Env)> &argument) const;

  private:
    Addon *addon_;
    std::shared_ptr<Napi::FunctionReference> function_;
};

template <Napi::Value (*function)(const Napi::CallbackInfo &)>
void define(Napi::Object exports, Addon *addon, const char *name) {
    exports.Set(name, Napi::Function::New<function>(exports.Env(), name, addon));
}

// One per file of bindings.
void define_descriptors(Napi::Object exports, Addon *addon);
void define_processes(Napi::Object exports, Addon *addon);
void define_table(Napi::Object exports, Addon *addon);
void define_folders(Napi::Object exports, Addon *addon);
void define_vigil(Napi::Object exports, Addon *addon);
void define_relay(Napi::Object exports, Addon *addon);

#endif
