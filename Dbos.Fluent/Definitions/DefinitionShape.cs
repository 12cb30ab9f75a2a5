namespace Dbos.Fluent.Definitions;

/// <summary>The outside view of a definition: its fingerprint and its diagram.</summary>
internal abstract class DefinitionShape
{
    private string? fingerprint;

    /// <summary>
    /// A text that changes with the workflow's own code; empty if that code cannot be read. It is read once, on first use.
    /// </summary>
    // Two threads that ask at the same time both read the code, with the same result.
    public string Fingerprint => fingerprint ??= ReadFingerprint();

    /// <summary>False if the code cannot be read; then only an explicit version distinguishes states of the code.</summary>
    public bool HasFingerprint => Fingerprint.Length > 0;

    public abstract string ToMermaid();

    private protected abstract string ReadFingerprint();
}
