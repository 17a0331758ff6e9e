"""What policies say, and what follows from them. Pure: no Django.

`rules` is what a policy is written in, `facts` what is known of a question, `matching` whether a rule is about it,
`deciding` answers who may read, `ruling` what becomes of a request.
"""
