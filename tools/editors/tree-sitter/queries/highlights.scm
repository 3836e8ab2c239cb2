; Words of the language.
["data" "net" "block" "loss" "train" "analyze" "let" "assert" "sweep" "claim"] @keyword
"import" @keyword.import
"out" @keyword.return
["repeat" "where"] @keyword.repeat
["if" "else"] @keyword.conditional
["in" "of"] @keyword.operator

; Literals and comments.
(integer) @number
(float) @number.float
(boolean) @boolean
(string) @string
(comment) @comment
(doc_comment) @comment.documentation

; Definitions.
(net head: (declaration name: (identifier) @type))
(sweep name: (identifier) @type)
(block name: (identifier) @function)
(loss head: (declaration name: (identifier) @function))
(let name: (identifier) @variable)
(repeat variable: (identifier) @variable)
(parameter name: (identifier) @variable.parameter)
(label) @label

; Uses.
(data source: (declaration name: (identifier) @function.builtin))
(train optimizer: (declaration name: (identifier) @function.builtin))
(argument key: (identifier) @property)
(entry key: (identifier) @property)
(axis key: [(identifier) (dotted_key)] @property)
(setting key: [(identifier) (dotted_key)] @property)
(test axis: [(identifier) (dotted_key)] @property)
(chosen axis: [(identifier) (dotted_key)] @property)
(measure) @variable.member
(extreme_name) @function.builtin
((call name: (identifier) @variable.builtin)
  (#any-of? @variable.builtin "in" "classes" "logits" "label" "R" "r1" "r2" "lambda"))
((call name: (identifier) @function.call)
  (#not-any-of? @function.call "in" "classes" "logits" "label" "R" "r1" "r2" "lambda"))

; Signs.
["->" ".." "=" "==" "!=" "<=" ">=" "<" ">" "&&" "||" "!" "+" "-" "*" "/" "%" "^" "+-"] @operator
["(" ")" "[" "]" "{" "}"] @punctuation.bracket
["," ":"] @punctuation.delimiter
