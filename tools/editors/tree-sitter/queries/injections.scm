; Documentation is Markdown; what is marked in comments (TODO and the like) is shown as such.
((doc_comment) @injection.content
  (#set! injection.language "markdown")
  (#offset! @injection.content 0 3 0 0))

((comment) @injection.content
  (#set! injection.language "comment"))
