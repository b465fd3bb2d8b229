// Searching for an error message as it was printed: names and numbers in it are in no page, and the message still
// leads to the line of the reference that says what to do. Words that no page has are left out of any search.
(() => {
  const MOST = 3, ENOUGH = 0.8, LEAST = 7, FEWEST_OF_A_PART = 5;
  const split = (text) => new Set(text.toLowerCase().match(/[\p{Letter}_]{2,}/gu) ?? []);
  const known = MESSAGES.map(([text, page, anchor, hint]) => ({ text, page, anchor, hint, words: split(text) }));
  const count = new Map();
  for (const { words } of known) for (const word of words) count.set(word, (count.get(word) ?? 0) + 1);
  // A word says the more, the fewer messages have it; of what was typed, words of no message say nothing.
  const weight = (words) => [...words].reduce((sum, word) => sum + (count.has(word) ? Math.log(1 + known.length / count.get(word)) : 0), 0);

  const meant = (query) => {
    const asked = split(query);
    const weighed = known.map((one) => {
      const common = new Set([...one.words].filter((word) => asked.has(word)));
      const said = weight(common);
      const whole = said >= LEAST ? said / weight(one.words) : 0;
      const part = common.size >= FEWEST_OF_A_PART ? (common.size / asked.size) * 0.95 : 0;
      return { ...one, fits: Math.max(whole, part), said };
    });
    const fitting = weighed.filter((one) => one.fits >= ENOUGH).sort((a, b) => b.fits * b.said - a.fits * a.said);
    return fitting.slice(0, MOST);
  };

  // What people call it, and what these pages call it; only words that the pages have no use for.
  const CALLED = {
    undo: "rollback", monorepo: "several models", postgres: "postgresql", slack: "webhook", notification: "mail", alert: "mail",
    oom: "memory", faq: "asked", uninstall: "remove", cron: "schedule",
  };
  const parse = Search._parseQuery;
  Search._parseQuery = (query) => {
    const called = (word) => (Object.hasOwn(CALLED, word.toLowerCase()) ? CALLED[word.toLowerCase()] : word);
    const said = query.split(/\s+/).map(called).join(" ");
    const [text, terms, ...rest] = parse(said);
    const found = (word) => [Search._index.terms, Search._index.titleterms].some(
      (index) => Object.hasOwn(index, word) || (word.length > 2 && Object.keys(index).some((term) => term.includes(word))),
    );
    const kept = new Set([...terms].filter(found));
    return [text, kept, ...rest];
  };

  const perform = Search._performSearch;
  Search._performSearch = (query, terms, ...rest) => {
    let results = perform(query, terms, ...rest);
    if (!results.length && terms.size > 1) {  // no page has all words: those that have all but one
      const fewer = [...terms].flatMap((left) => perform(query, new Set([...terms].filter((word) => word !== left)), ...rest));
      results = [...new Map(fewer.map((one) => [one[0] + one[2], one])).values()].sort((a, b) => a[4] - b[4]);
    }
    if (window.location?.protocol === "file:") for (const one of results) one[3] ??= BEGINNINGS[one[0]] ?? null;
    const kind = results[0]?.[6] ?? "text";
    const messages = meant(query).map(({ text, page, anchor, hint }) => [page, text, `#${anchor}`, hint ? `next: ${hint}` : "a message", 1000, `${page}.md`, kind]);
    return [...results, ...messages.reverse()];
  };
})();
