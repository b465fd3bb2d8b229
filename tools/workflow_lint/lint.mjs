// GitHub's own check of workflow files: node lint.mjs FILE... prints a JSON list of findings.
import {readFileSync} from 'node:fs';
import {validate} from '@actions/languageservice';
import {TextDocument} from 'vscode-languageserver-textdocument';

const found = [];
for (const file of process.argv.slice(2)) {
  const document = TextDocument.create(`file://${file}`, 'yaml', 0, readFileSync(file, 'utf8'));
  for (const {message, range, severity} of await validate(document, {})) {
    found.push({file, line: range.start.line + 1, message, severity: severity ?? 1});
  }
}
console.log(JSON.stringify(found));
