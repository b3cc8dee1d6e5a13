/// The only place that imports the generated bindings. Each class owns one native handle, or wraps one family of calls, and turns
/// every status into an exception through [io.llatte.internal.ffi.NativeStatus]. Not exported.
package io.llatte.internal.ffi;
