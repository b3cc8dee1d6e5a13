package io.llatte.demo;

import org.jline.terminal.Terminal;

/// The few colours of the chat; none with `NO_COLOR` or on a dumb terminal.
record Theme(boolean plain) {

    static Theme of(Terminal terminal) {
        return new Theme(Output.isPlain() || terminal.getType().startsWith(Terminal.TYPE_DUMB));
    }

    String dim(String text) {
        return style("2", text);
    }

    String bold(String text) {
        return style("1", text);
    }

    String alarm(String text) {
        return style("31", text);
    }

    private String style(String code, String text) {
        return plain ? text : "\u001b[" + code + "m" + text + "\u001b[0m";
    }
}
