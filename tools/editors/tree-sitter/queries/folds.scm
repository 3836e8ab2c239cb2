[
  (body)
  (entries)
  (sweep_body)
  (claim_body)
  (bundle)
  (choices)
  (arguments)
  (parameters)
  (list)
  (side)
] @fold
