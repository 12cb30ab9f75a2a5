namespace Dbos.Fluent;

/// <summary>The engine or client was used after it was stopped, or it stopped while the call waited.</summary>
public sealed class EngineNotRunningException : DbosException
{
    internal EngineNotRunningException(string doing)
        : base(
            "DBOS1004",
            $"The engine is stopped, so it cannot {doing}. Durable work is not lost: another engine, or the next launch, goes on with it.")
    {
    }
}
