namespace Dbos.Fluent.Storage;

/// <summary>Kinds of waits as they are stored.</summary>
internal static class WaitKinds
{
    public static WaitKind Parse(string stored) => stored switch
    {
        "time" => WaitKind.Time,
        "message" => WaitKind.Message,
        "event" => WaitKind.Event,
        "outcome" => WaitKind.Outcome,
        _ => throw new InvalidOperationException($"The database holds a kind of wait that this version does not know: '{stored}'."),
    };
}
