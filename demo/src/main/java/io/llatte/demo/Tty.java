package io.llatte.demo;

import java.io.IOException;
import org.jline.terminal.TerminalBuilder;
import org.jline.terminal.impl.DumbTerminalProvider;
import org.jline.terminal.spi.SystemStream;
import org.jline.terminal.spi.TerminalProvider;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Which of the standard streams are terminals. Java itself only knows whether all are.
final class Tty {

    private static final Logger LOG = LoggerFactory.getLogger(Tty.class);

    private Tty() {
    }

    static boolean isInput() {
        return is(SystemStream.Input);
    }

    static boolean isOutput() {
        return is(SystemStream.Output);
    }

    static boolean isError() {
        return is(SystemStream.Error);
    }

    private static boolean is(SystemStream stream) {
        return Holder.PROVIDER.isSystemStream(stream);
    }

    private static final class Holder {
        static final TerminalProvider PROVIDER = load();

        private static TerminalProvider load() {
            try {
                return TerminalProvider.load(TerminalBuilder.PROP_PROVIDER_FFM);
            } catch (IOException | LinkageError | RuntimeException e) {
                LOG.debug("terminals cannot be told from files here: everything is taken for a file", e);
                return new DumbTerminalProvider();
            }
        }
    }
}
