namespace Dbos.Fluent;

/// <summary>The engine or client was used after it was stopped, or it stopped while the call waited.</summary>
public sealed class EngineNotRunningException : DbosException
{
    internal EngineNotRunningException(string doing, bool isEngine, string remedy)
        : base("DBOS1004", $"{Stopped(isEngine)}, so it cannot {doing}. {remedy}Durable work is not lost: {Next(isEngine)} it.")
    {
    }

    private static string Stopped(bool isEngine) => isEngine ? "The engine is stopped" : "The client is disposed";

    private static string Next(bool isEngine) =>
        isEngine ? "another engine, or the next launch, continues" : "the engines of its application continue";
}
