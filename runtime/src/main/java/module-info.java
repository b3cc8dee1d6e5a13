/// A local LLM runtime for Java: llama.cpp through the Foreign Function and Memory API.
module io.llatte.runtime {
    requires com.fasterxml.jackson.databind;
    requires io.llatte.bindings;
    requires transitive java.desktop;
    requires java.net.http;
    requires jdk.management;
    requires transitive org.slf4j;

    exports io.llatte;
    exports io.llatte.engine;
    exports io.llatte.llama;
    exports io.llatte.memory;
    exports io.llatte.model;
    exports io.llatte.schema;
    exports io.llatte.tools;
}
