package io.llatte.demo;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.encoder.PatternLayoutEncoder;
import ch.qos.logback.classic.spi.Configurator;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.ConsoleAppender;
import ch.qos.logback.core.spi.ContextAwareBase;
import org.slf4j.LoggerFactory;

/// Logging to standard error: our warnings, and everything of ours and of llama.cpp with `--verbose`. In code, because reading an XML file would be a third of
/// the start; a file named by `-Dlogback.configurationFile` comes first.
public final class LogSetup extends ContextAwareBase implements Configurator {

    private static final String LLAMA_CPP = "io.llatte.llama.cpp";

    /// For the service loader.
    public LogSetup() {
    }

    @Override
    public ExecutionStatus configure(LoggerContext loggers) {
        if (System.getProperty("logback.configurationFile") != null) {
            return ExecutionStatus.INVOKE_NEXT_IF_ANY;
        }
        var encoder = new PatternLayoutEncoder();
        encoder.setContext(loggers);
        encoder.setPattern("%d{HH:mm:ss.SSS} %-5level %logger{24}: %message%n%ex{short}");
        encoder.start();
        var appender = new ConsoleAppender<ILoggingEvent>();
        appender.setContext(loggers);
        appender.setTarget("System.err");
        appender.setEncoder(encoder);
        appender.start();
        Logger root = loggers.getLogger(Logger.ROOT_LOGGER_NAME);
        root.setLevel(Level.WARN);
        root.addAppender(appender);
        loggers.getLogger(LLAMA_CPP).setLevel(Level.OFF);   // what matters comes as an exception
        return ExecutionStatus.DO_NOT_INVOKE_NEXT_IF_ANY;
    }

    static void verbose() {
        if (LoggerFactory.getILoggerFactory() instanceof LoggerContext loggers) {
            loggers.getLogger("io.llatte").setLevel(Level.DEBUG);
            loggers.getLogger(LLAMA_CPP).setLevel(Level.DEBUG);
        }
    }
}
