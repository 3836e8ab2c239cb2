def tensors(path=WEIGHTS):
    """The tensors of a safetensors file by name."""
    try:
        from safetensors.torch import load_file
    except ImportError:
        load_file = read_file
    return load_file(path)


def read_file(path):
    """The same without the package: a length, a JSON header, the elements."""
    data = Path(path).read_bytes()
    begin = 8 + int.from_bytes(data[:8], "little")
    dtypes = {"F32": torch.float32, "F64": torch.float64}
    found = {}
    for name, entry in json.loads(data[8:begin]).items():
        if name != "__metadata__":
            start, end = entry["data_offsets"]
            elements = bytearray(data[begin + start : begin + end])
            found[name] = torch.frombuffer(elements, dtype=dtypes[entry["dtype"]]).reshape(entry["shape"])
    return found


def load(path=WEIGHTS):
    """The net and the loss with the stored tensors."""
    net, loss = NET_CLASS(), Loss()
    of_net, of_loss = {}, {}
    for name, tensor in tensors(path).items():
        if "/" in name:  # state of the optimiser
            continue
        if name.startswith("loss."):
            of_loss[name.removeprefix("loss.")] = tensor
        else:
            of_net[attribute(name)] = tensor
    net, loss = net.to(DTYPE), loss.to(DTYPE)
    net.load_state_dict(of_net)
    loss.load_state_dict(of_loss)
    return net, loss


def named_parameters(net, loss):
    """All parameters under the names that their tensors have in the file."""
    stored = {attribute(name): name for name in tensors()}
    for name, parameter in net.named_parameters():
        yield stored[name], parameter
    for name, parameter in loss.named_parameters():
        yield f"loss.{name}", parameter
