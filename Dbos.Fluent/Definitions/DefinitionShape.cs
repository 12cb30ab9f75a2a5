namespace Dbos.Fluent.Definitions;

/// <summary>What a definition looks like from outside: its fingerprint and its diagram.</summary>
internal abstract class DefinitionShape
{
    private string? fingerprint;

    /// <summary>
    /// A text that changes with the workflow's own code; empty where that code cannot be read. Read once, when first asked for.
    /// </summary>
    // Two threads that ask at once both read the code, and read the same.
    public string Fingerprint => fingerprint ??= ReadFingerprint();

    /// <summary>False where the code cannot be read: then only an explicit version tells one state of the code from another.</summary>
    public bool HasFingerprint => Fingerprint.Length > 0;

    public abstract string ToMermaid();

    private protected abstract string ReadFingerprint();
}
