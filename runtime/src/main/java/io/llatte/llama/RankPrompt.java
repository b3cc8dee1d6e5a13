package io.llatte.llama;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/// A query and a document as a model that ranks wants them, as llama.cpp's server writes them: by the file's own template, else
/// BOS query EOS SEP document EOS, of which a vocabulary has those that it adds.
final class RankPrompt {

    private static final String TEMPLATE = "tokenizer.chat_template.rerank";
    private static final Pattern PLACE = Pattern.compile("\\{(query|document)}");

    private final Vocab vocab;
    private final String template;
    private final String query;
    private final int[] queryIds;

    RankPrompt(Model model, String query) {
        this.vocab = model.vocab();
        this.template = model.info().metadata().get(TEMPLATE);
        this.query = query;
        this.queryIds = template == null ? vocab.tokenize(query, false, false) : null;
    }

    int[] ids(String document) {
        if (template != null) {
            // In one pass: a query that names the document's place is only a text.
            String prompt = PLACE.matcher(template).replaceAll(place ->
                    Matcher.quoteReplacement(place.group(1).equals("query") ? query : document));
            return vocab.tokenize(prompt, false, true);
        }
        int end = !vocab.addsEos() ? -1 : vocab.eos() >= 0 ? vocab.eos() : vocab.sep();
        var ids = IntStream.builder();
        add(ids, vocab.addsBos() ? vocab.bos() : -1);
        IntStream.of(queryIds).forEach(ids::add);
        add(ids, end);
        add(ids, vocab.addsSep() ? vocab.sep() : -1);
        IntStream.of(vocab.tokenize(document, false, false)).forEach(ids::add);
        add(ids, end);
        return ids.build().toArray();
    }

    private static void add(IntStream.Builder ids, int id) {
        if (id >= 0) {
            ids.add(id);
        }
    }
}
