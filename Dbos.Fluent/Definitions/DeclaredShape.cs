namespace Dbos.Fluent.Definitions;

/// <summary>The shape of a declared workflow, which has no code to read.</summary>
internal sealed class DeclaredShape(string name) : DefinitionShape
{
    public override string ToMermaid() => new MermaidText().Box("body", $"{name}\ndeclared here, defined elsewhere").ToString();

    private protected override string ReadFingerprint() => "";
}
