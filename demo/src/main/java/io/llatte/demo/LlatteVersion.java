package io.llatte.demo;

import io.llatte.BackendUnavailableException;
import io.llatte.llama.Llama;
import java.lang.module.ModuleDescriptor;
import java.util.Optional;
import picocli.CommandLine.IVersionProvider;

/// What `--version` prints.
final class LlatteVersion implements IVersionProvider {

    static String own() {
        return Optional.ofNullable(Llatte.class.getModule().getDescriptor()).flatMap(ModuleDescriptor::rawVersion).orElse("development");
    }

    @Override
    public String[] getVersion() {
        return new String[] {"llatte " + own(), "llama.cpp " + llamaCpp(), "Java " + Runtime.version()};
    }

    private static String llamaCpp() {
        try {
            return Llama.versions().llamaCpp();
        } catch (BackendUnavailableException e) {
            return "unavailable: " + Failures.oneLine(e);
        }
    }
}
