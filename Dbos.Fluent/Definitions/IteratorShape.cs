namespace Dbos.Fluent.Definitions;

/// <summary>The shape of an iterator: its code is opaque, so the diagram is one box.</summary>
internal sealed class IteratorShape(string name, Delegate body) : DefinitionShape
{
    public override string ToMermaid() => new MermaidText().Box("body", $"{name}\nan iterator: its steps stand in a history").ToString();

    private protected override string ReadFingerprint() =>
        CodeFingerprint.Of(code =>
        {
            code.Line($"iterator {name}");
            code.Type(body.GetType());
            code.Add(body);
        });
}
