/// What a server says of the runtime to its clients: the models' names, and what can be done about a failure.
package io.llatte.demo.llm;
