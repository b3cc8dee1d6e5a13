/// llama.cpp for performance-sensitive applications: models, contexts, batches, samplers and token streams, with nothing in the way.
///
/// ```java
/// try (var arena = DeviceArena.open();
///      var model = Model.load(path, arena);
///      var context = model.newContext(ContextOptions.defaults());
///      var sampler = Sampler.greedy(model)) {
///     int[] prompt = model.vocab().tokenize("Once upon a time");
///     try (var tokens = context.sequence(0).generate(prompt, sampler, 64)) {
///         tokens.forEachRemaining(token -> System.out.print(token.text()));
///     }
/// }
/// ```
///
/// A [io.llatte.llama.Model] may be shared by threads. A [io.llatte.llama.Context] and a [io.llatte.llama.Sampler] lock themselves: two
/// threads take turns and never corrupt each other. Closing cancels a running call, waits for it, and then frees.
package io.llatte.llama;
