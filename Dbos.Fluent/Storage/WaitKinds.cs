using System.Diagnostics;

namespace Dbos.Fluent.Storage;

/// <summary>The stored words of <see cref="WaitKind"/>, in <c>fluent_waits</c>.</summary>
internal static class WaitKinds
{
    public const string Time = "time";
    public const string Message = "message";
    public const string Event = "event";
    public const string Outcome = "outcome";

    public static string ToStored(WaitKind kind) => kind switch
    {
        WaitKind.Time => Time,
        WaitKind.Message => Message,
        WaitKind.Event => Event,
        WaitKind.Outcome => Outcome,
        _ => throw new UnreachableException($"Unknown kind of wait {kind}."),
    };

    public static WaitKind Parse(string stored) => stored switch
    {
        Time => WaitKind.Time,
        Message => WaitKind.Message,
        Event => WaitKind.Event,
        Outcome => WaitKind.Outcome,
        _ => throw new InvalidOperationException(
            $"The database holds a kind of wait that this version does not know: '{stored}'. Upgrade this application: a newer version "
            + "wrote the row."),
    };
}
