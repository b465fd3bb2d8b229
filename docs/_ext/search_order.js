// The order of search results: what helps a reader first; pages of Python modules and of decisions last.
var Scorer = {
  score: ([docname, , , , score]) => {
    if (docname.startsWith("reference/python/")) return score - 30;
    if (docname.startsWith("adr/")) return score - 10;
    if (docname.startsWith("tutorials/") || docname.startsWith("how-to/")) return score + 6;
    return score;
  },
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};
