using Dbos.Fluent.Model;

namespace Dbos.Fluent.Definitions;

/// <summary>The recorded names of built-in steps: what DBOS writes, and for what DBOS lacks a name under our own prefix.</summary>
internal static class BuiltInNames
{
    public const string Sleep = "DBOS.sleep";
    public const string GetResult = ReservedTexts.GetResult;
    public const string Send = "DBOS.send";
    public const string SendBulk = "DBOS.sendBulk";
    public const string Receive = "DBOS.recv";
    public const string SetEvent = "DBOS.setEvent";
    public const string GetEvent = "DBOS.getEvent";
    public const string WriteStream = "DBOS.writeStream";
    public const string CloseStream = "DBOS.closeStream";
    public const string ReadStream = "DBOS.readStreamOffset";
    public const string WaitFirst = ReservedTexts.WaitFirst;
    public const string Debounce = "DBOS.debounceDelayedWorkflow";
    public const string Any = "Dbos.Fluent.any";
    public const string Compensating = ReservedTexts.Compensating;

    /// <summary>Before the name of a patch; no DBOS step's name begins like this.</summary>
    public const string PatchPrefix = "DBOS.patch-";

    // These have no row of their own: the names stand in messages alone.
    public const string All = "All";
    public const string Parallel = "Parallel";
    public const string ContinueAsNew = "ContinueAsNew";
}
