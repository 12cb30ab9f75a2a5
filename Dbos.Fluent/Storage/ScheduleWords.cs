namespace Dbos.Fluent.Storage;

/// <summary>The words of the column <c>status</c> of <c>workflow_schedules</c>, as every DBOS SDK writes them.</summary>
internal static class ScheduleWords
{
    public const string Active = "ACTIVE";
    public const string Paused = "PAUSED";

    public static string ToStored(bool paused) => paused ? Paused : Active;
}
