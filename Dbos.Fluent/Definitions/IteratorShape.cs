namespace Dbos.Fluent.Definitions;

/// <summary>The shape of an iterator: its code is opaque, so the diagram is one box.</summary>
internal sealed class IteratorShape(string name, Delegate body) : DefinitionShape
{
    public override string Fingerprint => name + body.Method.Name;

    public static IteratorShape Of(string name, Delegate body) => new(name, body);

    public override string ToMermaid() => $"flowchart TD\n  body[\"{name}: an iterator\"]\n";
}
