"""One public function for each verb; they take a request, return a result, and never print or prompt."""
