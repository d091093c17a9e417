// Rules for the page's JavaScript. Formatting is Prettier's, types are TypeScript's.

import js from "@eslint/js";
import globals from "globals";

export default [
  js.configs.recommended,
  {
    languageOptions: { ecmaVersion: 2024, sourceType: "module", globals: globals.browser },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      "no-undef": "off", // TypeScript knows better
      "no-var": "error",
      "prefer-const": "error",
      eqeqeq: "error",
      "no-param-reassign": "error",
      "no-shadow": "error",
      "no-restricted-properties": [
        "error",
        { property: "innerHTML", message: "what comes from outside is never markup: use h() of core/dom.js" },
        { property: "outerHTML", message: "what comes from outside is never markup: use h() of core/dom.js" },
      ],
      "max-len": ["error", 120],
      "max-lines": ["error", { max: 330, skipComments: true, skipBlankLines: true }],
      "max-lines-per-function": ["error", 45],
      complexity: ["error", 14],
    },
  },
  { files: ["**/locales/*.js"], rules: { "max-lines": "off" } },
];
