/// OpenAI's protocol: what its clients send, as requests to the runtime, and what the runtime answers, as they read it.
package io.llatte.demo.openai;
