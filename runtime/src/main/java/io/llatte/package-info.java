/// What every part of Llatte throws. An application starts in [io.llatte.llama].
///
/// ```java
/// try (var arena = DeviceArena.open(); var model = Model.load(path, arena)) {
///     System.out.println(model.info());
/// } catch (ModelLoadException e) {
///     System.err.println(e.getMessage());
/// }
/// ```
package io.llatte;
