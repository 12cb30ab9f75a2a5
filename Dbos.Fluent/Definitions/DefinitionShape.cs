namespace Dbos.Fluent.Definitions;

/// <summary>What a definition looks like from outside: its fingerprint and its diagram.</summary>
internal abstract class DefinitionShape
{
    public abstract string Fingerprint { get; }

    public abstract string ToMermaid();
}
