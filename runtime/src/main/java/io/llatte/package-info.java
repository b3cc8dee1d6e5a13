/// A local language model for an application, and what every part of Llatte throws. [io.llatte.LocalLlm] is the place to start;
/// [io.llatte.llama] is what lies under it, for those who want the decode loop in their own hands.
///
/// ```java
/// try (var llm = LocalLlm.create()) {
///     llm.init();
///     System.out.println(llm.chat(List.of(ChatMessage.user("Say hello"))).text());
///     System.out.println(llm.status());
/// }
/// ```
package io.llatte;
