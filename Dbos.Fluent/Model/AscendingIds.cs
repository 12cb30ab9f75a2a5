namespace Dbos.Fluent.Model;

/// <summary>Ids of version 7 that ascend in the order in which this process makes them, within a millisecond too.</summary>
/// <remarks>Rows of one millisecond are taken in the order of their ids: what was started or sent in an order keeps it.</remarks>
internal static class AscendingIds
{
    public static string Next() => UUIDNext.Uuid.NewDatabaseFriendly(UUIDNext.Database.PostgreSql).ToString();
}
