/// Device memory: planned before it is taken, admitted against a budget, charged to a ledger, and freed by scope.
///
/// ```java
/// try (var arena = DeviceArena.open(MemoryBudget.limit("CPU", 2L << 30)); var model = Model.load(path, arena)) {
///     arena.ledger().entries().forEach(System.out::println);
/// }
/// ```
package io.llatte.memory;
