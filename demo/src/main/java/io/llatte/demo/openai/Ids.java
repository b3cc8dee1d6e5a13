package io.llatte.demo.openai;

import java.util.HexFormat;
import java.util.concurrent.ThreadLocalRandom;

/// Names for answers and calls that no two share.
final class Ids {

    private Ids() {
    }

    static String next(String prefix) {
        byte[] random = new byte[12];
        ThreadLocalRandom.current().nextBytes(random);
        return prefix + HexFormat.of().formatHex(random);
    }
}
