/// One command, `llatte`: console chat and the tools around it, on the runtime's exported API alone.
module io.llatte.demo {
    requires ch.qos.logback.classic;
    requires ch.qos.logback.core;
    requires com.fasterxml.jackson.databind;
    requires info.picocli;
    requires io.helidon.common.buffers;
    requires io.helidon.common.concurrency.limits;
    requires io.helidon.common.socket;
    requires io.helidon.common.task;
    requires io.helidon.http;
    requires io.helidon.webserver;
    requires io.llatte.runtime;
    requires micrometer.core;
    requires micrometer.registry.prometheus;
    requires org.jline.reader;
    requires org.jline.terminal;
    requires org.slf4j;
    requires jdk.unsupported;       // JLine takes Ctrl-C through it, by reflection

    exports io.llatte.demo;

    opens io.llatte.demo to info.picocli;

    provides ch.qos.logback.classic.spi.Configurator with io.llatte.demo.LogSetup;
}
