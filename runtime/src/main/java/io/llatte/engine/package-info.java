/// A model that answers requests, wherever it runs: on GPUs, on the CPU, or on a server. [io.llatte.LocalLlm] is what an application holds;
/// this is what it holds in turn.
///
/// ```java
/// var loader = new EngineLoader(DeviceArena.open(), Optional.empty());
/// try (var engine = loader.load(new ModelFile("mine", path, Optional.empty()), EngineOptions.defaults(), LoadObserver.NONE)) {
///     System.out.println(engine.placement());
/// }
/// ```
package io.llatte.engine;
